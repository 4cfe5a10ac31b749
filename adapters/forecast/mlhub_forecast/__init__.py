"""The ``forecast`` adapter: statsmodels, naive rules, or a forecaster of one's own."""
