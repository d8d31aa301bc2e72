"""Tables and pictures of any size -> a folder of parts, on this machine or on many.

From the ground up; each module imports only from those before it:

- `job`: what is scored: a job, its parts, and what is known of a finished part; what an executor
  is.
- `storage`: a folder of this machine, or a prefix of a bucket.
- `picture_files`: files of pictures -> blocks of instances.
- `part_scorer`: scores parts with one version: what each process of an executor holds.
- `splitting`: the files of an input -> parts. `output_folder`: what is finished of a job.
- `local`: the executor of this machine, a process for each core.
- `run`: from an input to a finished folder of parts.
"""
