"""Finding entries: the index, the engines, and the pages and API of the search."""
