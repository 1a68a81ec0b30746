"""What the pages in docs measure; each is run as a module from the root of a checkout."""
