package cuda

// Headroom is the device memory, in bytes, that [LayersThatFit] leaves free beside what it is
// told of: the CUDA context and the kernels' code (300 to 400 MB with the pinned runtimes),
// cuBLAS's workspace (32 MiB on Hopper, 8 MiB elsewhere), and slack, because free memory is a
// moment's reading and an allocation that fails ends the load.
const Headroom = 512 << 20

// LayersThatFit is the number of a model's layers, 0 to layers, that fit in free bytes of a
// device's memory. layerBytes is one layer's weights together with its share of the KV cache;
// fixedBytes is what the device must hold before the first layer, such as the compute
// buffers and the output matrix. [Headroom] stays free. It is a pure function.
//
// A layerBytes of 0 (nothing known) offloads all layers if the fixed part fits.
func LayersThatFit(free, layerBytes, fixedBytes uint64, layers int) int {
	if layers <= 0 || fixedBytes > free || free-fixedBytes < Headroom {
		return 0
	}
	room := free - fixedBytes - Headroom
	if layerBytes == 0 {
		return layers
	}
	return int(min(room/layerBytes, uint64(layers)))
}
