# SPDX-License-Identifier: GPL-2.0
project = 'zcpool'
author = 'The zcpool developers'
html_theme = 'alabaster'
exclude_patterns = ['generated/*']
