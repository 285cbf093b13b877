"""What mycoops costs beside a plain ssh script and a tuned playbook, measured in one run: `make bench`."""
