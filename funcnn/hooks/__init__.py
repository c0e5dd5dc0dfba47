"""What pytest and Hypothesis load by themselves. Cheap: nothing here imports more than funcnn until it is used."""
