"""The service: a mirror of the Hub that serves what the organisation's rules allow."""
