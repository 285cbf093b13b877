"""The protocol itself: walks a plan move by move, records before it acts, and never revokes on hope."""
