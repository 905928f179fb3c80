"""Go: rules, feature planes, game records, and programs that play.

Nothing here imports Keras; a policy is a function that is handed in.
"""
