notify { 'the code is in sync': }
