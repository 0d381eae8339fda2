"""One router: desired state in, applied to the kernel, key agreement and FRR; its daemon and client."""
