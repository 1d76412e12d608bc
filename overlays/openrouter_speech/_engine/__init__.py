"""Many requests for one result: which goes next, how they are sent, who may use their folder.

`scheduler` decides, `loops` sends what it picks (threads in one loop, tasks in the other), and `lock` keeps a second
process out of the folder. Narrations and batches are built on it.
"""
