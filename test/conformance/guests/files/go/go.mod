module convergio/conformance/files

go 1.24

require convergio/pdk v0.0.0

replace convergio/pdk => ../../../../../plugin-sdk/go
