"""The contract suite."""


class QueueContract: ...
