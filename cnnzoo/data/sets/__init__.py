"""The data sets, one module per source."""
