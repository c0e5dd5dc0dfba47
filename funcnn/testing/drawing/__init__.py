"""What Hypothesis draws: shapes, what arrays hold, params, networks, cases."""
