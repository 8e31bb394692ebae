#!/bin/sh
cat "${0%/*}/../version"
