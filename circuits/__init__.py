"""The statements a proof can make about committed state, one a file, none of which knows a proof system."""
