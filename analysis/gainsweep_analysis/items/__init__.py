"""Items files: what tasks ask a model, as tokens."""
