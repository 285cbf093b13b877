"""Fleet secret deployment and rotation, until the old credential is seen refused."""
