"""Which versions are served, by every worker alike, in the words of Kubernetes.

Operators change the *desired state*. The *controller*, in one worker, takes a *snapshot* of it, of
what the *model store* holds and of the *observed state* that the agents report; `reconcile`, a pure
function, decides which *rollout* comes next. A new version is first tried in a process of its own.
The *agent* in each worker loads what a rollout names and swaps the *repository*, which requests
read, at the moment that the rollout names.

    desired.py        what operators want of each model
    desired_object.py the same for many servers, as an object in the model store
    shared_desired.py how a server follows and changes that object
    model_patch.py    the body of a change of it
    model_store.py    where versions come from; sources/ fetches them from S3 or the web
    single_model.py   a folder of one model, or of one version, as a folder of models
    inventory.py      what the model store holds, and which versions are refused
    observed.py       what agents report
    snapshot.py       all of this at one moment
    reconcile.py      a snapshot -> actions
    selection.py      which versions of one model are served
    actions.py        what a controller can do
    controller.py     takes snapshots, and carries out actions
    agent.py          loads, reports and swaps, in every worker
    kept_versions.py  copies of the versions that have passed their trial
    trials.py         tries each version in a process of its own, once
    trial.py          what that process does
    trial_records.py  which versions have passed
    sandbox.py        what that process may open
    background.py     work in threads
    loader.py         the versions that one worker has in memory
    served.py         rollouts, and one model as a rollout serves it
    repository.py     what this worker serves now
    reports.py        cards, histories and plots of versions, as they lie on disk
    state_folder.py   the files that the workers share
    control_plane.py  how an operator's change reaches all workers
"""
