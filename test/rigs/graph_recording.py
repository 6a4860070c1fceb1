"""A recording as a CUDA graph makes it, for machines without a GPU."""


def run_again(step):
    """The same memory is read and filled by every launch: (launch, memory of the answer)."""
    answer = step()
    return lambda: answer.copy_(step()), answer
