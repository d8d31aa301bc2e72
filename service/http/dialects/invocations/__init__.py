"""`/invocations`: the language of MLflow's scoring server, of Amazon SageMaker and of Vertex AI.

language.py      its routes, and the way of a request
content.py       what a body is, and what its answer is written as
requests.py      a JSON body -> instances, and the parameters that stand beside them
answers.py       predictions and errors -> bodies
descriptions.py  what the routes take and give, for the description of the service
"""
