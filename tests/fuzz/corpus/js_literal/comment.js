#!/usr/bin/env node
{a /* b */ : 1 // c
/* d