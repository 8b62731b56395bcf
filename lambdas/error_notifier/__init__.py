"""error-notifier: error lines of the working functions become notices on SNS."""
