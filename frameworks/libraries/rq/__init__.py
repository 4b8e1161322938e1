"""RQ: a queue object, workers that fork a process for each job."""
