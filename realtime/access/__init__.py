"""Who may ask, how often, and what stays hidden: tokens, rate limits and visibility."""
