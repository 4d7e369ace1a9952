"""Every verb that writes, killed or failed at every call that changes the disk: the old state or the new one."""
