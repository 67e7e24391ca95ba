;; The block memory of the Extism ABI: what a guest reaches through load, store, alloc and length.
;;
;; Layout of the one memory, in bytes:
;;
;;   0          128                     $high          $meta                              end
;;   | list heads | blocks ...          | never used    | 16 bytes a 64-byte granule       |
;;
;; Guest-facing loads and stores reach [128, $high) and nothing else: one unsigned comparison
;; (`address - 128 < span`) is both bounds, and no sum in it can overflow. The metadata lies behind
;; and moves to the new end when the memory grows, so no address that a guest knows ever changes.
;;
;; A block is a run of granules; a handle is its address. Entry of a granule: w0 length in bytes of
;; the live block that starts here; w1 tag; w2, w3 next and previous free block of the same class.
;; Tags stand on the first granule of a block (LIVE or FREE | granules) and on its last
;; (FOOT | index of the first), unless it has only one. Every other entry is zero.
;; Free blocks are in lists by the power of two of their size and merge with free neighbours, so
;; every function here is O(1), but growing (O(blocks), charged first) and reset (O(bytes used)).
;; No function traps.
(module
  ;; Asks the host for pages before the memory grows, telling it how many bytes of metadata will
  ;; move; answers 1 or 0, or throws. Nothing has changed when it is called.
  (import "kernel" "grow" (func $ask (param $pages i32) (param $moved i32) (result i32)))

  ;; 8,192 pages are 512 MiB: the highest ceiling that an operator can set for a plugin.
  (memory (export "memory") 1 8192)

  (global $BASE i32 (i32.const 128))
  (global $LIVE i32 (i32.const 0x80000000))
  (global $FREE i32 (i32.const 0x40000000))
  (global $FOOT i32 (i32.const 0x20000000))
  (global $COUNT i32 (i32.const 0x1fffffff))
  ;; Freed blocks are not used again before this much memory was: a guest that frees a handle twice
  ;; then seldom frees somebody else's block, and the shortest way is the usual one.
  (global $FRESH i32 (i32.const 49152))

  (global $top (mut i32) (i32.const 128))     ;; end of the last block
  (global $high (mut i32) (i32.const 128))    ;; highest $top since reset
  (global $meta (mut i32) (i32.const 52416))  ;; start of the metadata, end of the room for blocks
  (global $blocks (mut i32) (i32.const 0))    ;; live and free blocks
  (global $classes (mut i32) (i32.const 0))   ;; bit k: the list of class k is not empty
  (global $span8 (mut i64) (i64.const 0))     ;; $high - 128
  (global $span64 (mut i64) (i64.const 0))    ;; $span8 - 7, or 0: for accesses 8 bytes wide
  (global $input (mut i32) (i32.const 0))
  (global $inputLength (mut i64) (i64.const 0))
  (global $inputSpan64 (mut i64) (i64.const 0))
  (global $output (mut i32) (i32.const 0))
  (global $outputLength (mut i32) (i32.const 0))
  (global $error (mut i32) (i32.const 0))

  ;; --- entries ---------------------------------------------------------------------------------

  (func $entry (param $index i32) (result i32)
    (i32.add (global.get $meta) (i32.shl (local.get $index) (i32.const 4))))
  (func $tag (param $index i32) (result i32)
    (i32.load offset=4 (call $entry (local.get $index))))
  (func $setTag (param $index i32) (param $tag i32)
    (i32.store offset=4 (call $entry (local.get $index)) (local.get $tag)))
  (func $class (param $granules i32) (result i32)
    (i32.sub (i32.const 31) (i32.clz (local.get $granules))))

  ;; Marks the last granule of a block, when it is not also its first.
  (func $setFoot (param $start i32) (param $granules i32) (param $tag i32)
    (if (i32.gt_u (local.get $granules) (i32.const 1)) (then
      (call $setTag
        (i32.sub (i32.add (local.get $start) (local.get $granules)) (i32.const 1))
        (local.get $tag)))))

  (func $setLive (param $start i32) (param $granules i32) (param $length i32)
    (i32.store (call $entry (local.get $start)) (local.get $length))
    (call $setTag (local.get $start) (i32.or (global.get $LIVE) (local.get $granules)))
    (call $setFoot (local.get $start) (local.get $granules)
      (i32.or (global.get $FOOT) (local.get $start))))

  ;; Index of the live block that starts exactly at an address, or 0.
  (func $find (param $address i32) (result i32) (local $index i32)
    (if (i32.ge_u (i32.sub (local.get $address) (global.get $BASE))
                  (i32.sub (global.get $top) (global.get $BASE)))
      (then (return (i32.const 0))))
    (if (i32.and (local.get $address) (i32.const 63)) (then (return (i32.const 0))))
    (local.set $index (i32.shr_u (local.get $address) (i32.const 6)))
    (select (local.get $index) (i32.const 0)
      (i32.lt_s (call $tag (local.get $index)) (i32.const 0))))

  ;; A handle as an address; 0 for one beyond 32 bits, so that no high bits are ever dropped.
  (func $address (param $handle i64) (result i32)
    (select (i32.wrap_i64 (local.get $handle)) (i32.const 0)
      (i64.eqz (i64.shr_u (local.get $handle) (i64.const 32)))))

  ;; --- free lists ------------------------------------------------------------------------------

  (func $push (param $start i32) (param $granules i32)
    (local $class i32) (local $next i32) (local $entry i32)
    (local.set $class (call $class (local.get $granules)))
    (local.set $next (i32.load (i32.shl (local.get $class) (i32.const 2))))
    (local.set $entry (call $entry (local.get $start)))
    (i32.store (local.get $entry) (i32.const 0))
    (i32.store offset=4 (local.get $entry) (i32.or (global.get $FREE) (local.get $granules)))
    (i32.store offset=8 (local.get $entry) (local.get $next))
    (i32.store offset=12 (local.get $entry) (i32.const 0))
    (if (local.get $next) (then
      (i32.store offset=12 (call $entry (local.get $next)) (local.get $start))))
    (i32.store (i32.shl (local.get $class) (i32.const 2)) (local.get $start))
    (global.set $classes
      (i32.or (global.get $classes) (i32.shl (i32.const 1) (local.get $class))))
    (call $setFoot (local.get $start) (local.get $granules)
      (i32.or (global.get $FOOT) (local.get $start))))

  ;; Takes a free block out of its list, clears its entries, and gives its size.
  (func $pull (param $start i32) (result i32)
    (local $entry i32) (local $granules i32) (local $class i32) (local $next i32) (local $prev i32)
    (local.set $entry (call $entry (local.get $start)))
    (local.set $granules (i32.and (i32.load offset=4 (local.get $entry)) (global.get $COUNT)))
    (local.set $next (i32.load offset=8 (local.get $entry)))
    (local.set $prev (i32.load offset=12 (local.get $entry)))
    (if (local.get $next) (then
      (i32.store offset=12 (call $entry (local.get $next)) (local.get $prev))))
    (if (local.get $prev)
      (then (i32.store offset=8 (call $entry (local.get $prev)) (local.get $next)))
      (else
        (local.set $class (call $class (local.get $granules)))
        (i32.store (i32.shl (local.get $class) (i32.const 2)) (local.get $next))
        (if (i32.eqz (local.get $next)) (then
          (global.set $classes (i32.and (global.get $classes)
            (i32.xor (i32.shl (i32.const 1) (local.get $class)) (i32.const -1))))))))
    (i64.store (local.get $entry) (i64.const 0))
    (i64.store offset=8 (local.get $entry) (i64.const 0))
    (call $setFoot (local.get $start) (local.get $granules) (i32.const 0))
    (local.get $granules))

  ;; A free block of at least so many granules, or 0: up to eight of the same power of two are
  ;; tried, then the first of the next larger class, which always fits.
  (func $fitting (param $granules i32) (result i32)
    (local $class i32) (local $start i32) (local $tries i32)
    (local.set $class (call $class (local.get $granules)))
    (local.set $start (i32.load (i32.shl (local.get $class) (i32.const 2))))
    (local.set $tries (i32.const 8))
    (block $none (loop $try
      (br_if $none (i32.eqz (local.get $start)))
      (br_if $none (i32.eqz (local.get $tries)))
      (if (i32.ge_u (i32.and (call $tag (local.get $start)) (global.get $COUNT))
                    (local.get $granules))
        (then (return (local.get $start))))
      (local.set $tries (i32.sub (local.get $tries) (i32.const 1)))
      (local.set $start (i32.load offset=8 (call $entry (local.get $start))))
      (br $try)))
    (local.set $class
      (i32.and (global.get $classes) (i32.shl (i32.const -2) (local.get $class))))
    (if (i32.eqz (local.get $class)) (then (return (i32.const 0))))
    (i32.load (i32.shl (i32.ctz (local.get $class)) (i32.const 2))))

  ;; --- alloc and free --------------------------------------------------------------------------

  (func $bump (param $granules i32) (param $length i32) (result i32) (local $address i32)
    (local.set $address (global.get $top))
    (global.set $top
      (i32.add (local.get $address) (i32.shl (local.get $granules) (i32.const 6))))
    (global.set $blocks (i32.add (global.get $blocks) (i32.const 1)))
    (call $setLive (i32.shr_u (local.get $address) (i32.const 6))
      (local.get $granules) (local.get $length))
    (if (i32.gt_u (global.get $top) (global.get $high)) (then
      (global.set $high (global.get $top))
      (global.set $span8
        (i64.extend_i32_u (i32.sub (global.get $high) (global.get $BASE))))
      (global.set $span64 (i64.sub (global.get $span8) (i64.const 7)))))
    (local.get $address))

  (func $reuse (param $start i32) (param $granules i32) (param $length i32) (result i32)
    (local $rest i32)
    (local.set $rest (i32.sub (call $pull (local.get $start)) (local.get $granules)))
    (if (local.get $rest) (then
      (call $push (i32.add (local.get $start) (local.get $granules)) (local.get $rest))
      (global.set $blocks (i32.add (global.get $blocks) (i32.const 1)))))
    (call $setLive (local.get $start) (local.get $granules) (local.get $length))
    (i32.shl (local.get $start) (i32.const 6)))

  ;; A block of 1 to 2^29 bytes, or 0.
  (func $alloc (param $length i32) (result i32)
    (local $granules i32) (local $end i32) (local $start i32)
    (if (i32.ge_u (i32.sub (local.get $length) (i32.const 1)) (i32.const 0x20000000))
      (then (return (i32.const 0))))
    (local.set $granules (i32.shr_u (i32.add (local.get $length) (i32.const 63)) (i32.const 6)))
    (local.set $end
      (i32.add (global.get $top) (i32.shl (local.get $granules) (i32.const 6))))
    (if (i32.gt_u (local.get $end) (global.get $FRESH)) (then
      (local.set $start (call $fitting (local.get $granules)))
      (if (local.get $start) (then
        (return (call $reuse (local.get $start) (local.get $granules) (local.get $length)))))
      (if (i32.gt_u (local.get $end) (global.get $meta)) (then
        (if (i32.eqz (call $grow (local.get $end))) (then (return (i32.const 0))))))))
    (call $bump (local.get $granules) (local.get $length)))

  ;; Frees the live block at an index; it merges with free neighbours, and the last one goes back to
  ;; the room that was never used.
  (func $release (param $start i32) (local $granules i32) (local $other i32)
    (local.set $granules (i32.and (call $tag (local.get $start)) (global.get $COUNT)))
    (call $setFoot (local.get $start) (local.get $granules) (i32.const 0))
    (i64.store (call $entry (local.get $start)) (i64.const 0))
    (local.set $other (i32.add (local.get $start) (local.get $granules)))
    (if (i32.lt_u (i32.shl (local.get $other) (i32.const 6)) (global.get $top)) (then
      (if (i32.and (call $tag (local.get $other)) (global.get $FREE)) (then
        (local.set $granules (i32.add (local.get $granules) (call $pull (local.get $other))))
        (global.set $blocks (i32.sub (global.get $blocks) (i32.const 1)))))))
    (local.set $other (call $before (local.get $start)))
    (if (i32.and (call $tag (local.get $other)) (global.get $FREE)) (then
      (local.set $granules (i32.add (local.get $granules) (call $pull (local.get $other))))
      (local.set $start (local.get $other))
      (global.set $blocks (i32.sub (global.get $blocks) (i32.const 1)))))
    (if (i32.and
          (i32.eq (i32.shl (i32.add (local.get $start) (local.get $granules)) (i32.const 6))
                  (global.get $top))
          (i32.gt_u (global.get $top) (global.get $FRESH)))
      (then
        (global.set $top (i32.shl (local.get $start) (i32.const 6)))
        (global.set $blocks (i32.sub (global.get $blocks) (i32.const 1))))
      (else (call $push (local.get $start) (local.get $granules)))))

  ;; Index of the block that ends where the one at an index starts; of a zero entry before the first.
  (func $before (param $index i32) (result i32) (local $last i32) (local $tag i32)
    (local.set $last (i32.sub (local.get $index) (i32.const 1)))
    (local.set $tag (call $tag (local.get $last)))
    (select (i32.and (local.get $tag) (global.get $COUNT)) (local.get $last)
      (i32.and (local.get $tag) (global.get $FOOT))))

  (func $free (param $address i32) (local $start i32)
    (local.set $start (call $find (local.get $address)))
    (if (i32.eqz (local.get $start)) (then (return)))
    (if (i32.eq (local.get $address) (global.get $input)) (then
      (call $setInput (i32.const 0) (i32.const 0))))
    (call $release (local.get $start)))

  (func $length (param $address i32) (result i32) (local $start i32)
    (local.set $start (call $find (local.get $address)))
    (if (i32.eqz (local.get $start)) (then (return (i32.const 0))))
    (i32.load (call $entry (local.get $start))))

  ;; --- growth ----------------------------------------------------------------------------------

  ;; Makes room for blocks up to an end, at most 2^30: by half of what there is when the host allows
  ;; it, so that the cost of moving is shared by many allocations, else by just enough.
  (func $grow (param $end i32) (result i32)
    (local $pages i32) (local $need i32) (local $want i32) (local $moved i32)
    (local.set $pages (memory.size))
    (local.set $need (i32.shr_u
      (i32.add (i32.add (local.get $end) (i32.shr_u (local.get $end) (i32.const 2)))
               (i32.const 65535))
      (i32.const 16)))
    (if (i32.gt_u (local.get $need) (i32.const 8192)) (then (return (i32.const 0))))
    (local.set $want (i32.add (local.get $pages)
      (i32.add (i32.shr_u (local.get $pages) (i32.const 1)) (i32.const 1))))
    (if (i32.gt_u (local.get $want) (i32.const 8192)) (then
      (local.set $want (i32.const 8192))))
    (if (i32.lt_u (local.get $want) (local.get $need)) (then
      (local.set $want (local.get $need))))
    (local.set $moved (i32.shl (global.get $blocks) (i32.const 5)))
    (if (i32.eqz (call $ask (i32.sub (local.get $want) (local.get $pages)) (local.get $moved)))
      (then
        (if (i32.eq (local.get $want) (local.get $need)) (then (return (i32.const 0))))
        (local.set $want (local.get $need))
        (if (i32.eqz (call $ask (i32.sub (local.get $want) (local.get $pages)) (local.get $moved)))
          (then (return (i32.const 0))))))
    (if (i32.eq (memory.grow (i32.sub (local.get $want) (local.get $pages))) (i32.const -1))
      (then (return (i32.const 0))))
    ;; Four fifths are for blocks: 64 bytes a granule to 16 of its entry. At most 2^31 before the
    ;; division.
    (call $move (i32.and
      (i32.div_u (i32.shl (local.get $want) (i32.const 18)) (i32.const 5))
      (i32.const -64)))
    (i32.const 1))

  ;; Moves the entries to a higher address, last block first because old and new place may overlap.
  (func $move (param $to i32) (local $end i32) (local $start i32) (local $last i32)
    (local.set $end (i32.shr_u (global.get $top) (i32.const 6)))
    (block $done (loop $next
      (br_if $done (i32.le_u (local.get $end) (i32.const 2)))
      (local.set $start (call $before (local.get $end)))
      (local.set $last (i32.sub (local.get $end) (i32.const 1)))
      (call $moveEntry (local.get $last) (local.get $to))
      (if (i32.ne (local.get $start) (local.get $last)) (then
        (call $moveEntry (local.get $start) (local.get $to))))
      (local.set $end (local.get $start))
      (br $next)))
    (global.set $meta (local.get $to)))

  (func $moveEntry (param $index i32) (param $to i32) (local $from i32)
    (local.set $from (call $entry (local.get $index)))
    (local.set $to (i32.add (local.get $to) (i32.shl (local.get $index) (i32.const 4))))
    (i64.store (local.get $to) (i64.load (local.get $from)))
    (i64.store offset=8 (local.get $to) (i64.load offset=8 (local.get $from)))
    (i64.store (local.get $from) (i64.const 0))
    (i64.store offset=8 (local.get $from) (i64.const 0)))

  ;; --- for the guest: extism:host/env ----------------------------------------------------------

  (func (export "alloc") (param $length i64) (result i64)
    (i64.extend_i32_u (call $alloc (call $address (local.get $length)))))
  (func (export "free") (param $handle i64)
    (call $free (call $address (local.get $handle))))
  (func $guestLength (export "length") (export "length_unsafe") (param $handle i64) (result i64)
    (i64.extend_i32_u (call $length (call $address (local.get $handle)))))

  (func (export "load_u8") (param $at i64) (result i32)
    (if (i64.ge_u (i64.sub (local.get $at) (i64.const 128)) (global.get $span8))
      (then (return (i32.const 0))))
    (i32.load8_u (i32.wrap_i64 (local.get $at))))
  (func (export "load_u64") (param $at i64) (result i64)
    (if (i64.ge_u (i64.sub (local.get $at) (i64.const 128)) (global.get $span64))
      (then (return (i64.const 0))))
    (i64.load align=1 (i32.wrap_i64 (local.get $at))))
  (func (export "store_u8") (param $at i64) (param $value i32)
    (if (i64.ge_u (i64.sub (local.get $at) (i64.const 128)) (global.get $span8))
      (then (return)))
    (i32.store8 (i32.wrap_i64 (local.get $at)) (local.get $value)))
  (func (export "store_u64") (param $at i64) (param $value i64)
    (if (i64.ge_u (i64.sub (local.get $at) (i64.const 128)) (global.get $span64))
      (then (return)))
    (i64.store align=1 (i32.wrap_i64 (local.get $at)) (local.get $value)))

  (func (export "input_length") (result i64) (global.get $inputLength))
  (func (export "input_offset") (result i64) (i64.extend_i32_u (global.get $input)))
  (func (export "input_load_u8") (param $at i64) (result i32)
    (if (i64.ge_u (local.get $at) (global.get $inputLength)) (then (return (i32.const 0))))
    (i32.load8_u (i32.add (global.get $input) (i32.wrap_i64 (local.get $at)))))
  (func (export "input_load_u64") (param $at i64) (result i64)
    (if (i64.ge_u (local.get $at) (global.get $inputSpan64)) (then (return (i64.const 0))))
    (i64.load align=1 (i32.add (global.get $input) (i32.wrap_i64 (local.get $at)))))

  (func (export "output_set") (param $at i64) (param $length i64) (local $offset i64)
    (local.set $offset (i64.sub (local.get $at) (i64.const 128)))
    (if (i64.ge_u (local.get $offset) (global.get $span8)) (then (return)))
    (if (i64.gt_u (local.get $length) (i64.sub (global.get $span8) (local.get $offset)))
      (then (return)))
    (global.set $output (i32.wrap_i64 (local.get $at)))
    (global.set $outputLength (i32.wrap_i64 (local.get $length))))
  (func (export "error_set") (param $handle i64)
    (if (i64.eqz (local.get $handle)) (then (global.set $error (i32.const 0)) (return)))
    (if (i64.ge_u (i64.sub (local.get $handle) (i64.const 128)) (global.get $span8))
      (then (return)))
    (global.set $error (i32.wrap_i64 (local.get $handle))))
  (func (export "error_get") (result i64) (i64.extend_i32_u (global.get $error)))

  ;; --- for the host alone ----------------------------------------------------------------------

  (func (export "host_alloc") (param $length i32) (result i32) (call $alloc (local.get $length)))
  (func (export "host_free") (param $address i32) (call $free (local.get $address)))
  (func (export "host_length") (param $address i32) (result i32)
    (call $length (local.get $address)))
  (func $setInput (export "host_input") (param $address i32) (param $length i32)
    (global.set $input (local.get $address))
    (global.set $inputLength (i64.extend_i32_u (local.get $length)))
    (global.set $inputSpan64 (i64.extend_i32_u
      (select (i32.sub (local.get $length) (i32.const 7)) (i32.const 0)
        (i32.ge_u (local.get $length) (i32.const 8))))))
  (func (export "host_output") (result i32) (global.get $output))
  (func (export "host_output_length") (result i32) (global.get $outputLength))
  (func (export "host_error") (result i32) (global.get $error))
  (func (export "host_used") (result i32) (i32.sub (global.get $high) (global.get $BASE)))

  ;; Forgets every block and zeroes what was used; the memory keeps its pages.
  (func (export "host_reset")
    (memory.fill (i32.const 0) (i32.const 0) (global.get $high))
    (memory.fill (global.get $meta) (i32.const 0) (i32.shr_u (global.get $high) (i32.const 2)))
    (global.set $top (global.get $BASE))
    (global.set $high (global.get $BASE))
    (global.set $blocks (i32.const 0))
    (global.set $classes (i32.const 0))
    (global.set $span8 (i64.const 0))
    (global.set $span64 (i64.const 0))
    (call $setInput (i32.const 0) (i32.const 0))
    (global.set $output (i32.const 0))
    (global.set $outputLength (i32.const 0))
    (global.set $error (i32.const 0))))
