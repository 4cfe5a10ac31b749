"""One module per tracker. Each has the same few functions, so that every scenario runs the
same code against each of them.

``start(folder) -> dict | None``  starts a server if the tracker needs one: {"url", "pid"}
``open(folder, name)``            begins a run and returns it
``log(run, metrics, step)``       logs a dict of floats, the way the tracker's manual says
``close(run)``                    ends the run; when it returns, the points are stored
``count(folder, name)``           points stored of all runs of the folder called ``name``
``history(folder, name, metric)`` all values of one metric of one run, as a list of floats
``chart(folder, name, metric)``   at most 1,000 points of it, where the tracker can
A function a tracker has no answer to is absent; nothing is simulated.
"""
