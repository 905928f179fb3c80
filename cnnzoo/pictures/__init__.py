"""All drawing: training curves, reports and predictions, and the architecture of networks."""
