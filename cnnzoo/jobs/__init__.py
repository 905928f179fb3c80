"""Many trainings: processes on this machine, several seeds, sweeps."""
