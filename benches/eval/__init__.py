"""What a browser shows of the trackers, measured."""
