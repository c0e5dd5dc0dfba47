"""Programs in the styles of research code; see `test_styles`."""
