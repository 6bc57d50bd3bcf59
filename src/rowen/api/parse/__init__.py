"""From a vendor's JSON to a `Request`: one file a door, and the checks they share."""
