"""Writes every page that shows figures of `results`: python benchmarks/quality/pages.py"""

import choosing_page
import quality_page
import readme_table


def write_pages() -> None:
    for module in (quality_page, choosing_page, readme_table):
        module.PAGE.write_text(module.render())


if __name__ == "__main__":
    write_pages()
