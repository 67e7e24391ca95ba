module convergio/markdown

go 1.24

require convergio/pdk v0.0.0

require github.com/yuin/goldmark v1.8.7

replace convergio/pdk => ../../plugin-sdk/go
