"""What may leave the box. So far: the guard, which lets the kernel relay media."""
