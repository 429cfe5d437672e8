"""What is allowed, held and blocked, as people look through it: one row a repository and audience, for lists alone.

Nothing is served by it: that is the decision's, which the gate looks up itself.
"""
