"""Right answers in other ways than the attempt's: the examiner must blame none of them."""
