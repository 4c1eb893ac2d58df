"""A real Locust master, real workers and a small upstream on the loopback interface, for the fleet's tests."""
