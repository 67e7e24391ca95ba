//go:build wasip1

package pdk

//go:wasmimport extism:host/env input_length
func inputLength() uint64

//go:wasmimport extism:host/env input_load_u8
func inputLoadU8(offset uint64) uint32

//go:wasmimport extism:host/env input_load_u64
func inputLoadU64(offset uint64) uint64

//go:wasmimport extism:host/env alloc
func blockAlloc(bytes uint64) uint64

//go:wasmimport extism:host/env free
func blockFree(block uint64)

//go:wasmimport extism:host/env length
func blockLength(block uint64) uint64

//go:wasmimport extism:host/env load_u8
func blockLoadU8(address uint64) uint32

//go:wasmimport extism:host/env load_u64
func blockLoadU64(address uint64) uint64

//go:wasmimport extism:host/env store_u8
func blockStoreU8(address uint64, value uint32)

//go:wasmimport extism:host/env store_u64
func blockStoreU64(address uint64, value uint64)

//go:wasmimport extism:host/env output_set
func outputSet(block, bytes uint64)

//go:wasmimport extism:host/env error_set
func errorSet(block uint64)

//go:wasmimport extism:host/env config_get
func configGet(key uint64) uint64

//go:wasmimport extism:host/env var_get
func varGet(key uint64) uint64

//go:wasmimport extism:host/env var_set
func varSet(key, value uint64)

//go:wasmimport extism:host/env log_trace
func logTrace(text uint64)

//go:wasmimport extism:host/env log_debug
func logDebug(text uint64)

//go:wasmimport extism:host/env log_info
func logInfo(text uint64)

//go:wasmimport extism:host/env log_warn
func logWarn(text uint64)

//go:wasmimport extism:host/env log_error
func logError(text uint64)
