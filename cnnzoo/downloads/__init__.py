"""Downloads: mirrors, the cache, archives and progress bars."""
