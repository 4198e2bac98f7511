"""What plans do to the answers of tasks, beside the all-high model's."""
