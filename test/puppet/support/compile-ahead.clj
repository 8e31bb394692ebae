; Compiles namespaces, and all that they load, into a directory: DIRECTORY NAMESPACE…
(let [[directory & namespaces] *command-line-args*]
  (binding [*compile-path* directory]
    (run! (comp compile symbol) namespaces)))
(shutdown-agents)
