"""Models that are published elsewhere, in an S3 bucket or on a web server.

`url` tells from a URL which source it names; `source` says what every source can do, which `web`
and `s3` implement; `mirror` copies what a source has into a folder. Each of them also has a file
that many servers share, and so has a `folder` that many servers see.
"""
