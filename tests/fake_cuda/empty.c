int empty_torch_cuda(void) {
  return 0;
}
