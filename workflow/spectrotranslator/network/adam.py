"""Adam without the compiler that its bookkeeping would load."""

from inspect import unwrap

import torch


class Adam(torch.optim.Adam):
    """``torch.optim.Adam``, the same steps bit for bit.

    torch hides these methods from its compiler and imports all of that, two seconds of processor,
    when one is first called. Nothing here is compiled.
    """

    step = torch.no_grad()(unwrap(torch.optim.Adam.step))
    add_param_group = unwrap(torch.optim.Adam.add_param_group)
    zero_grad = unwrap(torch.optim.Adam.zero_grad)
