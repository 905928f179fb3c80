"""Pictures: training curves, evaluations, predictions and the architecture of networks."""
