"""Files from the network: mirrors, hashes, the cache, archives and progress bars."""
