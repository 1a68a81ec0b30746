"""What lies under the method: backends, devices, processes, files, and what Keras keeps to itself."""
