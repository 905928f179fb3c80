"""Pictures: training curves, evaluations, predictions, Go boards and the architecture of networks."""
