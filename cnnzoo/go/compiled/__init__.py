"""The rules and planes of Go, compiled by numba, which the extra ``go`` installs."""
